package main

import (
	"fmt"
	"os"
)

// Prints the subject of the token that is its argument, with the verifier of docs/server/verify-tokens.md.
func main() {
	verify, err := NewVerifier()
	if err != nil {
		panic(err)
	}
	claims, err := verify(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(claims.Subject)
}
