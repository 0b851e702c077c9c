// Package dns takes the place of the package of lego that contains a client of every DNS service. Go's module proxy
// does not serve the libraries of all of them. Traefik needs the package only for certificates by ACME's DNS challenge.
package dns

import (
	"fmt"

	"github.com/go-acme/lego/v5/challenge"
)

// NewDNSChallengeProviderByName fails for every name.
func NewDNSChallengeProviderByName(name string) (challenge.Provider, error) {
	return nil, fmt.Errorf("DNS provider %s is not built into this program", name)
}
