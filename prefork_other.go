//go:build !unix

package tako

import (
	"context"
	"errors"
	"fmt"
	"runtime"
)

func (p Prefork) runParent(context.Context, []Server, []SocketOwner) (Report, error) {
	return Report{}, fmt.Errorf("tako: prefork: processes cannot inherit listening sockets on %s, use Run: %w", runtime.GOOS, errors.ErrUnsupported)
}

func (p Prefork) runChild(ctx context.Context, servers []Server, owners []SocketOwner, _ string) (Report, error) {
	return p.runParent(ctx, servers, owners)
}
