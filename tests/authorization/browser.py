#!/usr/bin/env python3
"""The user's browser, and its user, who logs in and consents to everything: `browser.py URL`
prints the address of the callback that the OAuth server sends it to."""

import html
import http.cookiejar
import re
import sys
import urllib.error
import urllib.parse
import urllib.request

# A login has four pages at most.
PAGES = 8


class Callback(Exception):
    pass


class UntilCallback(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, request, answer, code, message, headers, url):
        if urllib.parse.urlsplit(url).path == "/callback":
            raise Callback(url)
        return super().redirect_request(request, answer, code, message, headers, url)


def visit(url):
    cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
    opener = urllib.request.build_opener(cookies, UntilCallback())
    form = None
    try:
        for _ in range(PAGES):
            with opener.open(url, form, timeout=20) as page:
                text, here = page.read().decode(), page.url
            action = re.search(r'<form[^>]* action="([^"]+)"', text)
            prompt = re.search(r'name="prompt" value="([^"]+)"', text)
            if not action or not prompt:
                raise SystemExit(f"error: {here} has no form:\n{text}")
            answers = {"prompt": prompt[1]}
            if prompt[1] == "login":
                answers |= {"login": "ada", "password": "anything"}
            url = urllib.parse.urljoin(here, html.unescape(action[1]))
            form = urllib.parse.urlencode(answers).encode()
    except Callback as callback:
        return str(callback)
    except urllib.error.HTTPError as error:
        raise SystemExit(f"error: {error.url}: {error}:\n{error.read().decode()}")
    raise SystemExit(f"error: no callback after {PAGES} pages")


if __name__ == "__main__":
    print(visit(sys.argv[1]))
