"""What people do: approve, label, steer, pin, add to caps; and who they are."""
