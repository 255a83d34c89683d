"""What gateways and the warden agree on about kill switches: path, reasons, how long is too long.

A stop must be in force within 2 s. It takes up to 0.5 s until the warden looks again; then it
answers at once the question that each gateway keeps open.
"""

STOPS_PATH = "/v1/stops"
"""GET, with `since=SERIAL`: what stops the deployment of the pod that asks."""
SINCE = "since"
WAIT_SECONDS = 5.0
"""How long the question stays open where there is no news."""
ASK_SECONDS = 7.0
"""How long a gateway waits for the answer; then the warden, or the way to it, is gone."""
KNOWN_SECONDS = 10.0
"""For how long what was heard last is taken to be true; after it, nothing is answered.

Longer than a question, so that one that is lost may be asked again, and than an API server or a
warden that hands over takes in order. Not longer: whoever stops something while a replica is cut
off from the API server, or a gateway from its warden, waits for as long.
"""
STOPPED, UNKNOWN = "stopped", "stops_unknown"
"""Reasons: a switch is on; whether one is on cannot be told."""
