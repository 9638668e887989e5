package launch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const module = "github.com/tako-go/tako/bench"

// uwsFolder is the variable that says where uWebSockets is.
const uwsFolder = "UWEBSOCKETS"

// errNoCompiler is returned for a target whose language is not installed.
var errNoCompiler = errors.New("not installed")

// Workshop builds servers. Binaries stay in .bin, and cargo's in its own
// folder, so that a second run starts at once.
type Workshop struct{ root string }

// NewWorkshop looks for this module in and above the working directory.
func NewWorkshop(ctx context.Context) (Workshop, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Path}} {{.Dir}}").Output()
	if err != nil {
		return Workshop{}, fmt.Errorf("find the module: %w", err)
	}
	path, dir, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	if path != module {
		return Workshop{}, fmt.Errorf("run this inside bench/, not in module %s", path)
	}
	return Workshop{root: dir}, os.MkdirAll(filepath.Join(dir, ".bin"), 0o755)
}

// Prepare builds all targets and leaves out those nobody asked for by name and
// nothing here can compile.
func (w Workshop) Prepare(ctx context.Context, targets []Target) ([]Server, error) {
	var servers []Server
	for _, t := range targets {
		fmt.Fprintf(os.Stderr, "build %s\n", t.Name)
		path, err := w.build(ctx, t)
		if errors.Is(err, errNoCompiler) && !t.wanted {
			fmt.Fprintf(os.Stderr, "leave out %s: %v\n", t.Name, err)
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("build %s: %w", t.Name, err)
		}
		servers = append(servers, Server{Target: t, path: path, root: w.root})
	}
	return servers, nil
}

func (w Workshop) build(ctx context.Context, t Target) (string, error) {
	bin := filepath.Join(w.root, ".bin", t.group+"-"+strings.TrimSuffix(t.source, ".c"))
	switch t.group {
	case "own":
		bin = filepath.Join(w.root, ".bin", "tako-server")
		return bin, w.compile(ctx, "go", "build", "-o", bin, "./server")
	case "go":
		return bin, w.compile(ctx, "go", "build", "-o", bin, "./rivals/"+t.source)
	case "nginx": // which is installed, and started by a command in Go
		if _, err := exec.LookPath("nginx"); err != nil {
			return "", fmt.Errorf("nginx: %w", errNoCompiler)
		}
		return bin, w.compile(ctx, "go", "build", "-o", bin, "./rivals/nginx")
	case "uws": // from a checkout, since no package has it
		if os.Getenv(uwsFolder) == "" {
			return "", fmt.Errorf("uWebSockets: %w; say in %s where it is", errNoCompiler, uwsFolder)
		}
		return bin, w.compile(ctx, "sh", filepath.Join("rivals", "uws", "build.sh"), bin)
	case "c":
		source := filepath.Join("rivals", "c", t.source)
		return bin, w.compile(ctx, "gcc", "-O2", "-pthread", "-o", bin, source)
	case "rust":
		dir := filepath.Join(w.root, "rivals", "rust")
		bin = filepath.Join(dir, "target", "release", t.source)
		return bin, w.compile(ctx, "cargo", "build", "--quiet", "--release", "--locked",
			"--manifest-path", filepath.Join(dir, "Cargo.toml"),
			"--target-dir", filepath.Join(dir, "target"), "--bin", t.source)
	}
	return "", fmt.Errorf("no compiler for group %q", t.group)
}

func (w Workshop) compile(ctx context.Context, name string, args ...string) error {
	path, err := exec.LookPath(name)
	if err != nil {
		return fmt.Errorf("%s: %w", name, errNoCompiler)
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = w.root
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	return cmd.Run()
}
