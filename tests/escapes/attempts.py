"""All attempts, by class."""

from tests.escapes import env, fs_read, fs_write, ipc, network, persist_file, persist_git, proxy, resource, syscall
from tests.escapes.attempt import Attempt, Class

BY_CLASS: dict[Class, tuple[Attempt, ...]] = {
    Class.FS_WRITE: fs_write.ATTEMPTS,
    Class.FS_READ: fs_read.ATTEMPTS,
    Class.ENV: env.ATTEMPTS,
    Class.IPC: ipc.ATTEMPTS,
    Class.SYSCALL: syscall.ATTEMPTS,
    Class.NETWORK: network.ATTEMPTS,
    Class.PROXY: proxy.ATTEMPTS,
    Class.RESOURCE: resource.ATTEMPTS,
    Class.PERSIST_GIT: persist_git.ATTEMPTS,
    Class.PERSIST_FILE: persist_file.ATTEMPTS,
}
ALL = tuple(attempt for attempts in BY_CLASS.values() for attempt in attempts)
CLASS_OF = {attempt.id: each for each, attempts in BY_CLASS.items() for attempt in attempts}
