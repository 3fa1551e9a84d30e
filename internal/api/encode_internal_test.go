package api

import (
	"encoding/json"
	"testing"
	"time"
)

// FuzzAppend holds the hand-written encoder against the standard library's decoder.
func FuzzAppend(f *testing.F) {
	for _, s := range []string{"", "ada", `a"b\c`, "tab\tline\n", "é\u2028<&>", "\xff", "\x00\x1f\x7f"} {
		f.Add(s, int64(len(s))*1_000_003)
	}
	f.Fuzz(func(t *testing.T, s string, micro int64) {
		at := time.UnixMicro(micro % (200 * 365 * 24 * 3600 * 1e6)).UTC()
		b := appendText(appendKey([]byte{'{'}, "text"), s)
		b = appendTexts(appendKey(b, "texts"), []string{s, "", s})
		b = append(appendStamp(appendKey(b, "at"), at), '}')
		var got struct {
			Text  string    `json:"text"`
			Texts []string  `json:"texts"`
			At    time.Time `json:"at"`
		}
		if err := json.Unmarshal(b, &got); err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		if want := string([]rune(s)); got.Text != want || // each wrong byte becomes a mark of its own
			len(got.Texts) != 3 || got.Texts[0] != got.Text || got.Texts[1] != "" {
			t.Errorf("%q became %q and %q", s, got.Text, got.Texts)
		}
		if !got.At.Equal(at) {
			t.Errorf("%s became %s", at, got.At)
		}
	})
}
