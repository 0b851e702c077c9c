// Command runc-without-sys-resource is runc on a machine that itself lacks CAP_SYS_RESOURCE.
//
// Docker asks for every capability in a privileged container and runc refuses what it does not have;
// this runtime takes that one capability out of the request and hands over to runc.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

const missing = "CAP_SYS_RESOURCE"

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "runc-without-sys-resource:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if slices.Contains(arguments, "create") || slices.Contains(arguments, "run") {
		bundle := option(arguments, "--bundle", "-b")
		if err := rewrite(filepath.Join(bundle, "config.json"), func(spec map[string]any) any { return spec["process"] }); err != nil {
			return err
		}
	} else if process := option(arguments, "--process", "-p"); slices.Contains(arguments, "exec") && process != "" {
		if err := rewrite(process, func(spec map[string]any) any { return spec }); err != nil {
			return err
		}
	}
	runc, err := exec.LookPath("runc")
	if err != nil {
		return err
	}
	return syscall.Exec(runc, append([]string{"runc"}, arguments...), os.Environ())
}

// option is the value of the first of the names that is there, as "--name value" or "--name=value".
func option(arguments []string, names ...string) string {
	for i, argument := range arguments {
		for _, name := range names {
			if argument == name && i+1 < len(arguments) {
				return arguments[i+1]
			}
			if value, found := strings.CutPrefix(argument, name+"="); found {
				return value
			}
		}
	}
	return ""
}

// rewrite takes the missing capability out of every set of the process that pick finds in an OCI runtime file.
func rewrite(path string, pick func(map[string]any) any) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(strings.NewReader(string(content)))
	decoder.UseNumber() // a seccomp argument does not fit a float64
	var spec map[string]any
	if err := decoder.Decode(&spec); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	process, _ := pick(spec).(map[string]any)
	capabilities, _ := process["capabilities"].(map[string]any)
	for set, names := range capabilities {
		list, _ := names.([]any)
		capabilities[set] = slices.DeleteFunc(list, func(name any) bool { return name == missing })
	}
	rewritten, err := json.Marshal(spec)
	if err != nil {
		return err
	}
	return os.WriteFile(path, rewritten, 0o600)
}
