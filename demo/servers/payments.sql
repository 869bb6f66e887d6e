CREATE TABLE payments (order_id TEXT PRIMARY KEY, customer TEXT NOT NULL, paid_cents INTEGER NOT NULL) STRICT;

CREATE TABLE accounts (customer TEXT PRIMARY KEY, iban TEXT NOT NULL) STRICT;

CREATE TABLE refunds (
  refund_id INTEGER PRIMARY KEY AUTOINCREMENT, order_id TEXT NOT NULL REFERENCES payments,
  amount_cents INTEGER NOT NULL, reason TEXT NOT NULL, iban TEXT NOT NULL
) STRICT;

CREATE TABLE vouchers (voucher_id INTEGER PRIMARY KEY AUTOINCREMENT, customer TEXT NOT NULL, amount_cents INTEGER NOT NULL) STRICT;

INSERT INTO payments VALUES
  ('A-1001', 'Amara Okafor', 4900),
  ('A-1002', 'Jonas Lindqvist', 7250),
  ('A-1003', 'Priya Raman', 13900),
  ('A-1004', 'Mateo Ferrari', 64900),
  ('A-1005', 'Amara Okafor', 1850),
  ('A-1006', 'Harriet Blunt', 48000);

INSERT INTO accounts VALUES
  ('Amara Okafor', 'GB82WEST12345698765432'),
  ('Jonas Lindqvist', 'SE4550000000058398257466'),
  ('Priya Raman', 'DE89370400440532013000'),
  ('Mateo Ferrari', 'IT60X0542811101000000123456'),
  ('Harriet Blunt', 'GB29NWBK60161331926819');
