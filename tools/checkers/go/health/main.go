// Says how others judge the health of objects that it reads as a JSON list on standard input:
//
//	health kstatus       as Flux does, by the library that it uses
//	health argocd FILE   as Argo CD does, by a script such as one of argocd-cm
//
// It prints a JSON list with a status and a message for each.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

type health struct {
	Status  string `json:"status"`
	Message string `json:"message"`
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	judge := kstatus
	switch {
	case len(arguments) == 1 && arguments[0] == "kstatus":
	case len(arguments) == 2 && arguments[0] == "argocd":
		script, err := os.ReadFile(arguments[1])
		if err != nil {
			return err
		}
		judge = func(object map[string]any) (health, error) { return argocd(string(script), object) }
	default:
		return fmt.Errorf("usage: health kstatus | argocd FILE")
	}
	var objects []map[string]any
	if err := json.NewDecoder(os.Stdin).Decode(&objects); err != nil {
		return err
	}
	judged := []health{}
	for _, object := range objects {
		one, err := judge(object)
		if err != nil {
			return err
		}
		judged = append(judged, one)
	}
	return json.NewEncoder(os.Stdout).Encode(judged)
}

func kstatus(object map[string]any) (health, error) {
	result, err := status.Compute(&unstructured.Unstructured{Object: withIntegers(object).(map[string]any)})
	if err != nil {
		return health{}, err
	}
	return health{Status: result.Status.String(), Message: result.Message}, nil
}

// withIntegers makes the whole numbers what Kubernetes' own decoder makes of them.
func withIntegers(value any) any {
	switch value := value.(type) {
	case float64:
		if value == float64(int64(value)) {
			return int64(value)
		}
	case []any:
		for i := range value {
			value[i] = withIntegers(value[i])
		}
	case map[string]any:
		for key := range value {
			value[key] = withIntegers(value[key])
		}
	}
	return value
}

// argocd runs the script with the libraries that Argo CD opens for it.
// See https://argo-cd.readthedocs.io/en/stable/operator-manual/health/#way-1-define-a-custom-health-check-in-argocd-cm-configmap
func argocd(script string, object map[string]any) (health, error) {
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for name, open := range map[string]lua.LGFunction{lua.BaseLibName: lua.OpenBase, lua.TabLibName: lua.OpenTable} {
		state.Push(state.NewFunction(open))
		state.Push(lua.LString(name))
		state.Call(1, 0)
	}
	state.SetGlobal("obj", toLua(state, object))
	if err := state.DoString(script); err != nil {
		return health{}, err
	}
	table, isTable := state.Get(-1).(*lua.LTable)
	if !isTable {
		return health{}, fmt.Errorf("the script returned %s instead of a table", state.Get(-1).Type())
	}
	return health{
		Status:  lua.LVAsString(table.RawGetString("status")),
		Message: lua.LVAsString(table.RawGetString("message")),
	}, nil
}

func toLua(state *lua.LState, value any) lua.LValue {
	switch value := value.(type) {
	case bool:
		return lua.LBool(value)
	case float64:
		return lua.LNumber(value)
	case string:
		return lua.LString(value)
	case []any:
		table := state.NewTable()
		for _, entry := range value {
			table.Append(toLua(state, entry))
		}
		return table
	case map[string]any:
		table := state.NewTable()
		for key, entry := range value {
			table.RawSetString(key, toLua(state, entry))
		}
		return table
	}
	return lua.LNil
}
