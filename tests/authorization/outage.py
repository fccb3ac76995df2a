"""How servers get along with an OAuth server that is away, comes back, and changes its keys."""

import time

from refusals import bad_token, described, good, modern, verdict

# No server asks for keys more often than once a minute, however many unknown ones it sees; and a
# second for the clocks.
QUIET = 61
# For its first good answer once the OAuth server is there.
PATIENCE = 15


def outage(oauth, asked, unasked):
    """`asked` and `unasked` are servers that have just started, while `oauth` has not. After a change
    of keys, the first are asked again and again, and the others once, after a minute. Gives why a
    claim failed, or nothing, by claim and server."""
    outcome = {}

    def claim(what, test, place, *arguments):
        outcome[what, place.name] = verdict(test, place, *arguments)

    # Tokens of an earlier day, which nobody can check.
    oauth.start()
    old = {place.url: place.token() for place in asked + unasked}
    oauth.stop()
    for place in asked + unasked:
        claim("OAuth server is down", is_unavailable, place, old[place.url])

    oauth.start(keys="first")
    old = {place.url: place.token() for place in asked + unasked}
    for place in asked + unasked:
        claim("OAuth server is back", answers_within, place, PATIENCE, old[place.url])
    minute = time.monotonic() + QUIET
    oauth.stop()
    for place in asked:
        claim("OAuth server is down, its keys are known", answers_within, place, 0, old[place.url])

    oauth.start(keys="second")
    for place in asked:
        claim("other keys", answers_within, place, minute - time.monotonic(), place.token())
        claim("keys that are gone", bad_token, place, old[place.url], "a token of an earlier key")
    time.sleep(max(0, minute - time.monotonic()))
    for place in unasked:
        claim("other keys, after a minute", answers_within, place, 0, place.token())
    return outcome


def is_unavailable(place, token):
    answer = modern(place.url, "tools/list", token)
    assert answer.status == 503, f"it is answered by {described(answer)}"
    wait = answer.header("retry-after") or ""
    assert wait.isdigit(), f"`Retry-After` is `{wait}`"
    assert not answer.header("www-authenticate"), "the client is asked to log in"


def answers_within(place, seconds, token):
    deadline = time.monotonic() + seconds
    while (answer := modern(place.url, "tools/list", token)).status != 200 and time.monotonic() < deadline:
        assert answer.status in (401, 503), f"it is answered by {described(answer)}"
        time.sleep(1)
    good(answer, f"a good token, {max(0, seconds):.0f} s later,")
