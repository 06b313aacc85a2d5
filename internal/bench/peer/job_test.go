package peer

import "testing"

func TestParseReportTakesTheLastReport(t *testing.T) {
	out := "starting\n{\"records\":1}\n{\"records\":200,\"committed\":true,\"peakRssMiB\":487,\"cpuMicrosPerRecord\":2.5,\"restoreRecords\":7}\n{\"level\":\"INFO\"}\n{bad\n"
	got, err := ParseReport([]byte(out))
	want := Report{Records: 200, Committed: true, PeakRSSMiB: 487, CPUMicrosPerRecord: 2.5, RestoreRecords: 7}
	if err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

func TestParseReportRefusesOutputWithoutOne(t *testing.T) {
	for _, out := range []string{"", "ready\n", "{\"level\":\"INFO\"}\n", "{\"records\":\"many\"}\n"} {
		if got, err := ParseReport([]byte(out)); err == nil {
			t.Errorf("%q: got %+v, want an error", out, got)
		}
	}
}
