"""The Python interpreter of a sandbox.

Without arguments it serves forks: PID 1 sends, over the socket on descriptor 3, an exec's id with
stdin (the code), stdout, stderr and the variables; a fork of this process becomes that exec. With
`--once` the code is on stdin and runs here.
"""
import os
import sys

NAME = '<exec>'


def run(source):
    """Runs code as `__main__`, as `python3 file.py` would: what it raises or leaves running ends
    the way the interpreter ends it."""
    main = type(sys)('__main__')
    main.__builtins__ = __builtins__
    sys.modules['__main__'] = main
    sys.argv = ['']
    sys.path[0] = ''
    try:
        exec(compile(source, NAME, 'exec', dont_inherit=True), main.__dict__)
    except SystemExit:
        raise
    except BaseException as error:
        report(source, error)
        if isinstance(error, KeyboardInterrupt):
            sys.exit(130)
        sys.exit(1)


def report(source, error):
    """Prints a traceback that starts in the caller's code and shows its lines."""
    trace = error.__traceback__.tb_next if error.__traceback__ else None
    if sys.excepthook is not sys.__excepthook__:
        sys.excepthook(type(error), error, trace)
        return
    import linecache
    import traceback
    text = source.decode('utf-8', 'replace')
    linecache.cache[NAME] = (len(text), None, text.splitlines(True), NAME)
    # A syntax error is raised by `compile`, which has no frame of its own.
    traceback.print_exception(type(error), error, trace)


def read_all(fd):
    """The whole of a memfd, wherever its offset is."""
    size = os.fstat(fd).st_size
    return os.pread(fd, size, 0) if size else b''


def become(fds):
    """In the fork: takes over the exec's descriptors and variables and answers its code."""
    os.setsid()
    source, stdout, stderr, variables = fds
    code = read_all(source)
    env = read_all(variables)
    null = os.open('/dev/null', os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(stdout, 1)
    os.dup2(stderr, 2)
    os.closerange(3, 64)
    os.environ.clear()
    for pair in env.split(b'\0')[1:]:
        name, found, value = pair.partition(b'=')
        if found:
            os.environb[name] = value
    os.chdir('/workspace')
    import site
    own = site.getusersitepackages()
    if own not in sys.path and os.path.isdir(own):
        # Installed by an exec after this interpreter was started.
        site.addsitedir(own)
    return code


def subreaper():
    """Makes what this exec orphans its own, so that its end can be the end of all of it."""
    try:
        import _ctypes
        prctl = _ctypes.dlsym(_ctypes.dlopen(None, 0), 'prctl')
        return lambda: _ctypes.call_function(prctl, (36, 1, 0, 0, 0))
    except Exception:
        return lambda: None


def serve():
    """Answers the code to run, in a fork; the interpreter itself never returns."""
    import _socket
    import gc
    import select
    import signal
    channel = _socket.socket(fileno=3)
    adopt = subreaper()
    # A signal that arrives just before a wait would not end it; a byte in a pipe does.
    woken, waker = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(waker, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    poll = select.poll()
    poll.register(woken, select.POLLIN)
    poll.register(channel.fileno(), select.POLLIN)
    space = _socket.CMSG_SPACE(4 * 4)
    # What is here now is never garbage: a fork that ends need not visit it, and copy its pages.
    gc.freeze()
    channel.send(b'R 0 0')
    while True:
        ready = [fd for fd, _ in poll.poll()]
        if woken in ready:
            os.read(woken, 4096)
            reap(channel)
        if channel.fileno() not in ready:
            continue
        message, beside, _, _ = channel.recvmsg(64, space)
        if not message:
            os._exit(0)
        fds = memoryview(beside[0][2]).cast('i').tolist()
        try:
            pid = os.fork()
        except OSError:
            pid = -1
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            channel.detach()
            adopt()
            return become(fds)
        for fd in fds:
            os.close(fd)
        if pid > 0:
            channel.send(b'S %d %d' % (int(message), pid))
        else:
            channel.send(b'F %d 0' % int(message))


def reap(channel):
    """Tells which forks have ended, and how."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        code = os.waitstatus_to_exitcode(status)
        channel.send(b'X %d %d' % (pid, code if code >= 0 else 128 - code))


def once():
    """The code on stdin, which is then empty."""
    code = read_all(0)
    os.dup2(os.open('/dev/null', os.O_RDONLY), 0)
    return code


run(once() if '--once' in sys.argv else serve())
