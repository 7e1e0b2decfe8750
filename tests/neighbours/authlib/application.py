# An application on Authlib: code flow with PKCE, refresh, logout, and back-channel logout.
# Usage: application.py PORT ISSUER CLIENT_ID, with the client's secret in CLIENT_SECRET.
import html
import os
import sys
import time
import urllib.parse
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import OpenIDProviderMetadata, get_well_known_url
from joserfc import jwt
from joserfc.jwk import KeySet

PORT, ISSUER, CLIENT_ID = int(sys.argv[1]), sys.argv[2], sys.argv[3]
BASE = f"http://127.0.0.1:{PORT}"
COOKIE = f"authlib-{PORT}"
EVENT = "http://schemas.openid.net/event/backchannel-logout"

asked = {}  # What was asked, by state.
sessions = {}  # Our own sessions, by the cookie's value.


def metadata():
    found = OpenIDProviderMetadata(requests.get(get_well_known_url(ISSUER, external=True), timeout=10).json())
    found.validate()
    if found["issuer"] != ISSUER:
        raise ValueError("another issuer")
    return found


def client(**more):
    secret = os.environ["CLIENT_SECRET"]
    return OAuth2Session(
        CLIENT_ID, secret, token_endpoint_auth_method="client_secret_basic", scope="openid profile email",
        redirect_uri=f"{BASE}/callback", code_challenge_method="S256", **more,
    )


def signed(token, provider):
    keys = KeySet.import_key_set(requests.get(provider["jwks_uri"], timeout=10).json())
    return jwt.decode(token, keys, algorithms=provider["id_token_signing_alg_values_supported"])


def read_id_token(tokens, nonce, provider):
    token = signed(tokens["id_token"], provider)
    options = {"iss": {"essential": True, "value": ISSUER}, "aud": {"essential": True, "value": CLIENT_ID}}
    params = {"nonce": nonce, "client_id": CLIENT_ID, "access_token": tokens["access_token"]}
    claims = CodeIDToken(token.claims, token.header, options, params)
    claims.validate()
    return claims


def read_logout_token(text, provider):
    """OpenID Connect Back-Channel Logout 1.0, section 2.6."""
    token = signed(text, provider)
    claims, now = token.claims, time.time()
    good = (
        token.header["typ"] == "logout+jwt" and claims["iss"] == ISSUER and claims["aud"] == CLIENT_ID
        and claims["iat"] <= now + 60 and now < claims["exp"] <= now + 180
        and claims["events"] == {EVENT: {}} and "nonce" not in claims and claims["jti"] and claims["sub"]
    )
    if not good:
        raise ValueError(f"no logout token: {token.header} {claims}")
    return claims


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        at = {
            "/": self.home, "/begin": self.begin, "/callback": self.callback,
            "/refresh": self.refresh, "/logout": self.logout, "/signed-out": self.signed_out,
        }
        self.answer(at.get(url.path), dict(urllib.parse.parse_qsl(url.query)))

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        is_form = self.headers["content-type"] == "application/x-www-form-urlencoded"
        at = self.told if self.path == "/told" and is_form else None
        self.answer(at, dict(urllib.parse.parse_qsl(body)))

    def answer(self, handler, parameters):
        if handler is None:
            return self.page(404, "Nothing here")
        try:
            handler(parameters)
        except Exception as error:
            self.page(400, f"Failed: {error!r}")
            raise

    def page(self, status, text, headers=()):
        body = f'<!doctype html><html lang="en"><title>Authlib</title><h1>{html.escape(text)}</h1>'.encode()
        self.send_response(status)
        for name, value in [("content-type", "text/html"), ("content-length", str(len(body))), *headers]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def redirect(self, url):
        self.page(303, "Elsewhere", [("location", url)])

    def cookie(self):
        morsel = SimpleCookie(self.headers.get("cookie", "")).get(COOKIE)
        return morsel.value if morsel else None

    def home(self, _):
        mine = sessions.get(self.cookie())
        self.page(200, f"Welcome, {mine['claims']['name']}" if mine else "Nobody is signed in")

    def begin(self, _):
        verifier, nonce = generate_token(48), generate_token(24)
        url, state = client().create_authorization_url(
            metadata()["authorization_endpoint"], code_verifier=verifier, nonce=nonce)
        asked[state] = (verifier, nonce)
        self.redirect(url)

    def callback(self, parameters):
        verifier, nonce = asked.pop(parameters["state"])
        if parameters["iss"] != ISSUER:
            raise ValueError("an answer of another issuer")
        provider = metadata()
        session = client(state=parameters["state"])
        tokens = session.fetch_token(
            provider["token_endpoint"], authorization_response=f"{BASE}{self.path}", code_verifier=verifier)
        value = generate_token(32)
        sessions[value] = {"claims": read_id_token(tokens, nonce, provider), "tokens": tokens}
        self.page(303, "In", [("location", "/"), ("set-cookie", f"{COOKIE}={value}; HttpOnly; SameSite=Lax")])

    def refresh(self, _):
        mine, provider = sessions[self.cookie()], metadata()
        session = client(token=mine["tokens"])
        old = mine["tokens"]["refresh_token"]
        mine["tokens"] = session.refresh_token(provider["token_endpoint"], refresh_token=old)
        told = session.get(provider["userinfo_endpoint"]).json()
        if told["sub"] != mine["claims"]["sub"] or mine["tokens"]["refresh_token"] == old:
            raise ValueError("another person, or the same refresh token")
        self.page(200, f"Refreshed for {told['email']}")

    def logout(self, _):
        query = urllib.parse.urlencode({
            "id_token_hint": sessions[self.cookie()]["tokens"]["id_token"], "state": "authlib",
            "post_logout_redirect_uri": f"{BASE}/signed-out",
        })
        self.redirect(f"{metadata()['end_session_endpoint']}?{query}")

    def signed_out(self, parameters):
        self.page(200, f"Signed out, {parameters['state']}")

    def told(self, parameters):
        over = read_logout_token(parameters["logout_token"], metadata())
        for value in [value for value, mine in sessions.items() if mine["claims"]["sid"] == over["sid"]]:
            del sessions[value]
        self.page(200, "Done")


ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
