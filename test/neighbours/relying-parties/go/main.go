// A web application that logs users in with go-oidc and x/oauth2. It shows its tokens, so it is good for tests only.
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"log"
	"net/http"
	"net/url"
	"os"
	"sync"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// login is what the application remembers of a browser, by the value of its cookie.
type login struct {
	state, nonce, verifier string
	token                  *oauth2.Token
	idToken                string
}

type app struct {
	base          string
	provider      *oidc.Provider
	verifier      *oidc.IDTokenVerifier
	config        oauth2.Config
	endSessionURL string

	mutex  sync.Mutex
	logins map[string]*login
}

func main() {
	ctx := context.Background()
	provider, err := oidc.NewProvider(ctx, os.Getenv("OIDC_ISSUER"))
	if err != nil {
		log.Fatal(err)
	}
	var metadata struct {
		EndSessionURL string `json:"end_session_endpoint"`
	}
	if err := provider.Claims(&metadata); err != nil {
		log.Fatal(err)
	}
	base := os.Getenv("BASE_URL")
	a := &app{
		base:     base,
		provider: provider,
		verifier: provider.Verifier(&oidc.Config{ClientID: os.Getenv("OIDC_CLIENT_ID")}),
		config: oauth2.Config{
			ClientID:     os.Getenv("OIDC_CLIENT_ID"),
			ClientSecret: os.Getenv("OIDC_CLIENT_SECRET"),
			Endpoint:     provider.Endpoint(),
			RedirectURL:  base + "/callback",
			Scopes:       []string{oidc.ScopeOpenID, "profile", "email"},
		},
		endSessionURL: metadata.EndSessionURL,
		logins:        map[string]*login{},
	}
	http.HandleFunc("GET /login", a.start)
	http.HandleFunc("GET /callback", a.callback)
	http.HandleFunc("GET /{$}", a.show)
	http.HandleFunc("GET /refresh", a.refresh)
	http.HandleFunc("GET /logout", a.logout)
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil))
}

func (a *app) start(w http.ResponseWriter, r *http.Request) {
	l := &login{state: rand.Text(), nonce: rand.Text(), verifier: oauth2.GenerateVerifier()}
	id := rand.Text()
	a.mutex.Lock()
	a.logins[id] = l
	a.mutex.Unlock()
	http.SetCookie(w, &http.Cookie{Name: "__Host-login", Value: id, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	to := a.config.AuthCodeURL(l.state, oidc.Nonce(l.nonce), oauth2.S256ChallengeOption(l.verifier))
	http.Redirect(w, r, to, http.StatusFound)
}

func (a *app) callback(w http.ResponseWriter, r *http.Request) {
	l := a.loginOf(r)
	if l == nil || r.FormValue("state") != l.state {
		http.Error(w, "the state is of another browser", http.StatusBadRequest)
		return
	}
	token, err := a.config.Exchange(r.Context(), r.FormValue("code"), oauth2.VerifierOption(l.verifier))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	raw, _ := token.Extra("id_token").(string)
	idToken, err := a.verifier.Verify(r.Context(), raw)
	if err != nil || idToken.Nonce != l.nonce {
		http.Error(w, "the ID token is invalid", http.StatusBadGateway)
		return
	}
	l.token, l.idToken = token, raw
	http.Redirect(w, r, "/", http.StatusFound)
}

func (a *app) show(w http.ResponseWriter, r *http.Request) {
	l := a.loginOf(r)
	if l == nil || l.token == nil {
		http.Error(w, "not logged in", http.StatusUnauthorized)
		return
	}
	info, err := a.provider.UserInfo(r.Context(), oauth2.StaticTokenSource(l.token))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	json.NewEncoder(w).Encode(map[string]string{"sub": info.Subject, "email": info.Email, "access_token": l.token.AccessToken})
}

func (a *app) refresh(w http.ResponseWriter, r *http.Request) {
	l := a.loginOf(r)
	if l == nil || l.token == nil {
		http.Error(w, "not logged in", http.StatusUnauthorized)
		return
	}
	token, err := a.config.TokenSource(r.Context(), &oauth2.Token{RefreshToken: l.token.RefreshToken}).Token()
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	l.token = token
	http.Redirect(w, r, "/", http.StatusFound)
}

func (a *app) logout(w http.ResponseWriter, r *http.Request) {
	l := a.loginOf(r)
	if l == nil || l.token == nil {
		http.Error(w, "not logged in", http.StatusUnauthorized)
		return
	}
	query := url.Values{"id_token_hint": {l.idToken}, "post_logout_redirect_uri": {a.base + "/"}}
	l.token = nil
	http.Redirect(w, r, a.endSessionURL+"?"+query.Encode(), http.StatusFound)
}

func (a *app) loginOf(r *http.Request) *login {
	cookie, err := r.Cookie("__Host-login")
	if err != nil {
		return nil
	}
	a.mutex.Lock()
	defer a.mutex.Unlock()
	return a.logins[cookie.Value]
}
