"""Keep a client pod alive until it is told to stop."""

import signal

STOPS = {signal.SIGTERM, signal.SIGINT}

if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    signal.sigwait(STOPS)
