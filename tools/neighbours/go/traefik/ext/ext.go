// Package ext takes the place of a module inside Traefik's that Go's module proxy does not serve. Its types extend the
// dynamic configuration in Traefik's commercial product, and are empty otherwise.
package ext

// HTTP extends the configuration of HTTP.
type HTTP struct{}

// Router extends the configuration of a router.
type Router struct{}
