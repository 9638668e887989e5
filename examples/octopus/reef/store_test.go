package reef

import (
	"errors"
	"fmt"
	"sync"
	"testing"
)

func filled(t *testing.T, n int) *Store {
	t.Helper()
	s := New()
	if _, err := s.Create("lagoon", "calm water", "octavia"); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if _, err := s.Post("lagoon", "octavia", fmt.Sprint("message ", i+1)); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func ids(list []Message) (all []int64) {
	for _, m := range list {
		all = append(all, m.ID)
	}
	return all
}

func TestReefs(t *testing.T) {
	s := filled(t, 2)
	if _, err := s.Create("lagoon", "", "nemo"); !errors.Is(err, ErrTaken) {
		t.Errorf("got %v, want ErrTaken", err)
	}
	if r, err := s.Get("lagoon"); err != nil || r.Messages != 2 || r.By != "octavia" {
		t.Errorf("got %+v, %v", r, err)
	}
	if _, err := s.Get("desert"); !errors.Is(err, ErrNoReef) {
		t.Errorf("got %v, want ErrNoReef", err)
	}
	for i := 1; i < maxReefs; i++ {
		if _, err := s.Create(fmt.Sprint("reef-", i), "", "nemo"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Create("one-more", "", "nemo"); !errors.Is(err, ErrFull) {
		t.Errorf("got %v, want ErrFull", err)
	}
	if list := s.List(); len(list) != maxReefs || list[1].Name != "reef-1" {
		t.Errorf("got %d reefs, the second %q", len(list), list[1].Name)
	}
}

func TestPages(t *testing.T) {
	s := filled(t, 5)
	tests := []struct {
		name  string
		id    int64
		limit int
		want  string
		older bool
	}{
		{"newest", 0, 2, "[4 5]", true},
		{"middle", 4, 2, "[2 3]", true},
		{"oldest", 2, 2, "[1]", false},
		{"all", 0, 9, "[1 2 3 4 5]", false},
		{"exactly all", 0, 5, "[1 2 3 4 5]", false},
		{"before the first", 1, 2, "[]", false},
		{"beyond the last", 99, 1, "[5]", true},
	}
	for _, tt := range tests {
		page, older, err := s.Before("lagoon", tt.id, tt.limit)
		if got := fmt.Sprint(ids(page)); err != nil || got != tt.want || older != tt.older {
			t.Errorf("%s: got %s, older %t, %v; want %s, %t", tt.name, got, older, err, tt.want, tt.older)
		}
	}
	if page, err := s.Since("lagoon", 2, 2); err != nil || fmt.Sprint(ids(page)) != "[3 4]" {
		t.Errorf("since: got %v, %v", ids(page), err)
	}
	if _, _, err := s.Before("desert", 0, 1); !errors.Is(err, ErrNoReef) {
		t.Errorf("got %v", err)
	}
}

func TestOwnMessages(t *testing.T) {
	s := filled(t, 2)
	tests := []struct {
		name, reef, author string
		id                 int64
		want               error
	}{
		{"other author", "lagoon", "nemo", 1, ErrNotYours},
		{"no message", "lagoon", "octavia", 7, ErrNoMessage},
		{"no reef", "desert", "octavia", 1, ErrNoReef},
	}
	for _, tt := range tests {
		if _, err := s.Edit(tt.reef, tt.id, tt.author, "x"); !errors.Is(err, tt.want) {
			t.Errorf("edit, %s: got %v, want %v", tt.name, err, tt.want)
		}
		if err := s.Delete(tt.reef, tt.id, tt.author); !errors.Is(err, tt.want) {
			t.Errorf("delete, %s: got %v, want %v", tt.name, err, tt.want)
		}
	}
	if m, err := s.Edit("lagoon", 1, "octavia", "better"); err != nil || m.Text != "better" || m.Edited == nil {
		t.Errorf("got %+v, %v", m, err)
	}
	if err := s.Delete("lagoon", 1, "octavia"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Message("lagoon", 1); !errors.Is(err, ErrNoMessage) {
		t.Errorf("got %v, want ErrNoMessage", err)
	}
	if m, err := s.Message("lagoon", 2); err != nil || m.ID != 2 {
		t.Errorf("got %v, %v", m, err)
	}
}

func TestOldestMakeRoom(t *testing.T) {
	s := filled(t, maxMessages+3)
	if _, messages, _ := s.Count(); messages != maxMessages {
		t.Errorf("got %d messages, want %d", messages, maxMessages)
	}
	if _, err := s.Message("lagoon", 3); !errors.Is(err, ErrNoMessage) {
		t.Errorf("the oldest are still there: %v", err)
	}
	if _, err := s.Message("lagoon", 4); err != nil {
		t.Error(err)
	}
}

func TestWatch(t *testing.T) {
	s := filled(t, 3)
	backlog, events, stop, err := s.Watch("lagoon", 1)
	if err != nil || fmt.Sprint(ids(backlog)) != "[2 3]" {
		t.Fatalf("got backlog %v, %v", ids(backlog), err)
	}
	s.Post("lagoon", "nemo", "hello")
	s.Edit("lagoon", 4, "nemo", "hello all")
	s.Delete("lagoon", 4, "nemo")
	for _, want := range []string{"posted hello", "edited hello all", "deleted "} {
		if e := <-events; e.Type+" "+e.Message.Text != want || e.Message.ID != 4 {
			t.Errorf("got %+v, want %s", e, want)
		}
	}
	stop()
	if _, _, watchers := s.Count(); watchers != 0 {
		t.Errorf("got %d watchers after stop", watchers)
	}
	if _, _, _, err := s.Watch("desert", 0); !errors.Is(err, ErrNoReef) {
		t.Errorf("got %v", err)
	}
}

// A watcher that does not read neither blocks writers nor stays.
func TestSlowWatcher(t *testing.T) {
	s := filled(t, 0)
	_, events, stop, err := s.Watch("lagoon", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	for range behind + 1 {
		s.Post("lagoon", "nemo", "spam")
	}
	got := 0
	for range events {
		got++
	}
	if got != behind {
		t.Errorf("got %d events before the end, want %d", got, behind)
	}
}

// A watcher sees each message once, however it meets those who post.
func TestWatchWhilePosting(t *testing.T) {
	s := filled(t, 0)
	const posts = 100
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			for range posts / 2 {
				s.Post("lagoon", "nemo", "hello")
			}
		})
		group.Go(func() {
			backlog, events, stop, err := s.Watch("lagoon", 0)
			if err != nil {
				t.Error(err)
				return
			}
			defer stop()
			seen := len(backlog)
			for seen < posts {
				e := <-events
				seen++
				if e.Message.ID != int64(seen) {
					t.Errorf("got message %d as number %d", e.Message.ID, seen)
					return
				}
			}
		})
	}
	group.Wait()
}
