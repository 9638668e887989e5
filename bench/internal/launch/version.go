package launch

import (
	"context"
	"debug/buildinfo"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
)

// Version is what the server was built from, such as "fiber v3.1.0"; the name
// alone when that is unknown.
func (s Server) Version(ctx context.Context) string {
	version := ""
	switch s.group {
	case "own":
		version = commit(ctx, s.root)
	case "go":
		if info, err := buildinfo.ReadFile(s.path); err == nil {
			version = moduleVersion(info, s.module)
		}
	case "rust":
		if lock, err := os.ReadFile(filepath.Join(s.root, "rivals", "rust", "Cargo.lock")); err == nil {
			version = crateVersion(string(lock), s.module)
		}
	case "uws":
		version = firstLine(ctx, "git", "-C", os.Getenv(uwsFolder), "describe", "--tags")
	case "nginx":
		version = nginxVersion(ctx)
	case "c":
		version = firstLine(ctx, "gcc", "-dumpfullversion")
		if version != "" {
			version = "gcc " + version
		}
	}
	return strings.TrimSpace(s.Name + " " + version)
}

// Versions joins those of all servers.
func Versions(ctx context.Context, servers []Server) string {
	texts := make([]string, len(servers))
	for i, s := range servers {
		texts[i] = s.Version(ctx)
	}
	return strings.Join(texts, ", ")
}

// WrkVersion is the first word wrk says about itself.
func WrkVersion(ctx context.Context, path string) string {
	// It ends with status 1 when it is asked.
	out, _ := exec.CommandContext(ctx, path, "-v").Output()
	words := strings.Fields(string(out))
	if len(words) < 2 {
		return "wrk"
	}
	return "wrk " + words[1]
}

// H2loadVersion is what h2load says about itself, such as "h2load nghttp2/1.52.0".
func H2loadVersion(ctx context.Context, path string) string {
	return firstLine(ctx, path, "--version")
}

// nginxVersion is such as "1.22.1". nginx says it on standard error.
func nginxVersion(ctx context.Context) string {
	out, _ := exec.CommandContext(ctx, "nginx", "-v").CombinedOutput()
	_, version, _ := strings.Cut(strings.TrimSpace(string(out)), "nginx/")
	return version
}

// commit says which state of the repository ours is, with -dirty for changes
// that are not committed.
func commit(ctx context.Context, dir string) string {
	return firstLine(ctx, "git", "-C", dir, "describe", "--always", "--dirty", "--abbrev=7")
}

func firstLine(ctx context.Context, name string, args ...string) string {
	out, err := exec.CommandContext(ctx, name, args...).Output()
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return strings.TrimSpace(line)
}

// moduleVersion is that of the Go release for a server on the standard library.
func moduleVersion(info *debug.BuildInfo, module string) string {
	if module == "" {
		return info.GoVersion
	}
	for _, dep := range info.Deps {
		if dep.Path == module {
			return dep.Version
		}
	}
	return ""
}

// crateVersion finds a package in the text of Cargo.lock.
func crateVersion(lock, crate string) string {
	_, rest, ok := strings.Cut(lock, "\nname = \""+crate+"\"\nversion = \"")
	if !ok {
		return ""
	}
	version, _, _ := strings.Cut(rest, "\"")
	return version
}
