package webtest

import (
	"net/http"
	"time"

	"berdlhub/internal/hub"
	"berdlhub/internal/web"
)

// profiles is the choice of a Spark cluster.
func profiles() web.OptionField {
	return web.OptionField{Name: "profile", Label: "Profile", Kind: "radio", Required: true, Choices: []web.Choice{
		{Value: "medium", Label: "Medium", Description: "Balanced Spark cluster for medium data processing workloads", Selected: true},
		{Value: "large", Label: "Large", Description: "High-performance Spark cluster for large datasets and heavy computation"},
	}}
}

func spawnFixtures() []Fixture {
	key := hub.ServerKey{User: "ada"}
	return []Fixture{
		{"spawn", "the options of a start", http.StatusOK, func() web.Page {
			return &web.SpawnPage{Frame: ada(), Key: key, Fields: []web.OptionField{profiles()}}
		}},
		{"spawn-failed", "the last try failed; dark", http.StatusServiceUnavailable, func() web.Page {
			return &web.SpawnPage{
				Frame: themed(ada(), "dark"), Key: key, Fields: []web.OptionField{profiles()}, Next: "/user/ada/lab",
				Error: "There is no room for another large cluster right now. Try again in some minutes, or choose Medium.",
			}
		}},
		{"spawn-fields", "every kind of field, for somebody else's named server", http.StatusOK, func() web.Page {
			return &web.SpawnPage{Frame: ada(), Key: hub.ServerKey{User: "grace", Server: "phylo"}, Fields: []web.OptionField{
				{
					Name: "image", Label: "Image", Kind: "select",
					Choices: []web.Choice{{Value: "stable", Label: "Stable", Selected: true}, {Value: "next", Label: "Next"}},
				},
				{Name: "cores", Label: "Cores", Kind: "number", Value: "2", Min: "0.5", Max: "8", Help: "Between 0.5 and 8."},
				{Name: "gpu", Label: "With a graphics card", Kind: "checkbox", Checked: true},
				{Name: "note", Label: "Note", Value: hostile},
			}}
		}},
		{"spawn-operator", "a form of the operator", http.StatusOK, func() web.Page {
			return &web.SpawnPage{Frame: ada(), Key: key, OperatorHTML: `<label for="mem">Memory</label> <select id="mem" name="mem"><option>4G</option><option>8G</option></select>`}
		}},
	}
}

// Story is the start that the gallery tells.
func Story() []hub.Event {
	say := func(n int, progress int, level hub.Level, text string) hub.Event {
		return hub.Event{RunID: "r1", Seq: int64(n), Time: Now().Add(time.Duration(n) * time.Second), Progress: progress, Level: level, Message: text}
	}
	return []hub.Event{
		say(1, 0, hub.Info, "Server requested"),
		say(2, 10, hub.Info, "Your KBase session is still good"),
		say(3, 25, hub.Info, "Storage credentials are ready"),
		say(4, 40, hub.Warning, "The Spark cluster takes longer than usual: waiting for a node"),
		say(5, 60, hub.Info, "Spark cluster of 4 workers is ready"),
		say(6, 80, hub.Info, "Pulling the notebook image"),
	}
}

func pendingFixtures() []Fixture {
	return []Fixture{
		{"spawn-pending", "a start that goes on", http.StatusOK, func() web.Page {
			return &web.PendingPage{Frame: ada(), Key: hub.ServerKey{User: "ada"}, Next: "/hub/home", Events: Story()}
		}},
		{"spawn-pending-queued", "a start that waits for its place; dark", http.StatusOK, func() web.Page {
			return &web.PendingPage{Frame: themed(ada(), "dark"), Key: hub.ServerKey{User: "ada", Server: "phylo"}, QueuePlace: 3, QueueLength: 12}
		}},
		{"stop-pending", "a stop that goes on", http.StatusOK, func() web.Page {
			return &web.StopPendingPage{Frame: ada(), Key: hub.ServerKey{User: "ada"}, Next: "/user/ada/lab"}
		}},
	}
}

func notRunningFixtures() []Fixture {
	return []Fixture{
		{"not-running", "a stopped server", http.StatusFailedDependency, func() web.Page {
			return &web.NotRunningPage{Frame: ada(), Key: hub.ServerKey{User: "ada"}, Next: "/user/ada/lab?a=1"}
		}},
		{"not-running-implicit", "a stopped server that starts by itself, stopped by the culler", http.StatusFailedDependency, func() web.Page {
			return &web.NotRunningPage{
				Frame: ada(), Key: hub.ServerKey{User: "ada", Server: "phylo"}, ImplicitSeconds: 600,
				Reason: "It was stopped because nothing happened in it for 2 hours.",
			}
		}},
		{"not-running-options", "somebody else's server, to be started with options", http.StatusFailedDependency, func() web.Page {
			return &web.NotRunningPage{Frame: ada(), Key: hub.ServerKey{User: "grace"}, HasOptions: true}
		}},
		{"not-running-failed", "a start that failed, with its log", http.StatusInternalServerError, func() web.Page {
			return &web.NotRunningPage{
				Frame: ada(), Key: hub.ServerKey{User: "ada"}, Failed: true, ImplicitSeconds: 5,
				Reason: "The server ended with exit code 1 before it answered.",
				Log: []string{
					"[I 2026-03-14 15:09:20.001 ServerApp] jupyterlab | extension was successfully linked.",
					"[W 2026-03-14 15:09:20.120 ServerApp] " + hostile,
					"[C 2026-03-14 15:09:20.400 ServerApp] No space left on device: '/home/ada/.local/share/jupyter/runtime/jpserver-7.json'",
				},
			}
		}},
	}
}
