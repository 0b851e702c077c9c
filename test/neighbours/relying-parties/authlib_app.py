"""A Flask application that logs users in with Authlib. It shows its tokens, so it is good for tests only."""

import os
import secrets
from urllib.parse import urlencode

from authlib.integrations.flask_client import OAuth
from flask import Flask, redirect, session

base = os.environ["BASE_URL"]
app = Flask(__name__)
app.secret_key = secrets.token_bytes(32)
app.config.update(SESSION_COOKIE_NAME="flask", SESSION_COOKIE_SECURE=True, SESSION_COOKIE_SAMESITE="Lax")
accounts = OAuth(app).register(
    "accounts",
    client_id=os.environ["OIDC_CLIENT_ID"],
    client_secret=os.environ["OIDC_CLIENT_SECRET"],
    server_metadata_url=os.environ["OIDC_ISSUER"] + "/.well-known/openid-configuration",
    client_kwargs={"scope": "openid profile email", "code_challenge_method": "S256"},
)
# By the value in the cookie of the browser, because tokens are too secret for a cookie that is only signed.
tokens = {}


@app.get("/login")
def login():
    return accounts.authorize_redirect(base + "/callback")


@app.get("/callback")
def callback():
    session["login"] = secrets.token_urlsafe(32)
    tokens[session["login"]] = accounts.authorize_access_token()
    return redirect("/")


@app.get("/")
def show():
    token = tokens.get(session.get("login"))
    if token is None:
        return "not logged in", 401
    info = accounts.userinfo(token=token)
    return {"sub": info["sub"], "email": info["email"], "access_token": token["access_token"]}


@app.get("/refresh")
def refresh():
    token = tokens[session["login"]]
    token.update(
        accounts.fetch_access_token(grant_type="refresh_token", refresh_token=token["refresh_token"])
    )
    return redirect("/")


@app.get("/logout")
def logout():
    token = tokens.pop(session.pop("login"))
    query = urlencode({"id_token_hint": token["id_token"], "post_logout_redirect_uri": base + "/"})
    return redirect(accounts.load_server_metadata()["end_session_endpoint"] + "?" + query)


app.run(host="127.0.0.1", port=int(os.environ["PORT"]))
