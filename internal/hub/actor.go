package hub

import (
	"context"
	"sync/atomic"
)

// Actor is who makes a change, for the audit log.
type Actor struct {
	Kind      string // user, service, client for an OAuth client that exchanges a code, or hub for what the hub does by itself
	Name      string // empty for the hub
	Token     string // id of the token that was shown, for example a12; empty for a browser session
	Address   string // IP address of the client; empty when there is none
	RequestID string // empty outside of a request
}

// ActorHub is the Kind of an Actor that is the hub itself: its culler, its sweeper, its start.
const ActorHub = "hub"

type actorKey struct{}

// ForActor gives a context that can be told later who acts in it, by SetActor. The first handler of a request makes it,
// before anybody knows who asks.
func ForActor(ctx context.Context) context.Context {
	return context.WithValue(ctx, actorKey{}, &atomic.Pointer[Actor]{})
}

// SetActor says who acts in a context that ForActor made; elsewhere it has no effect.
func SetActor(ctx context.Context, a Actor) {
	if at, ok := ctx.Value(actorKey{}).(*atomic.Pointer[Actor]); ok {
		at.Store(&a)
	}
}

// WithActor gives a context in which somebody acts, for work that outlives the request it was asked by.
func WithActor(ctx context.Context, a Actor) context.Context {
	ctx = ForActor(ctx)
	SetActor(ctx, a)
	return ctx
}

// ActorOf says who acts in a context: the hub itself where nobody is known.
func ActorOf(ctx context.Context) Actor {
	if at, ok := ctx.Value(actorKey{}).(*atomic.Pointer[Actor]); ok {
		if a := at.Load(); a != nil {
			return *a
		}
	}
	return Actor{Kind: ActorHub}
}
