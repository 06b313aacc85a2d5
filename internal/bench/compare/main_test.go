package main

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/streamweir/streamweir/internal/bench/peer"
)

func TestTableShowsMediansRangesAndWhoIsBetter(t *testing.T) {
	report := func(cpu, rate float64) peer.Report {
		return peer.Report{CPUMicrosPerRecord: cpu, CPUMicrosPerRecordSecondHalf: cpu / 2, RecordsPerSecond: rate,
			RecordsPerSecondSecondHalf: rate * 2, PeakRSSMiB: 500, StartupMillis: 1000}
	}
	var out bytes.Buffer
	jvm := []peer.Report{report(20, 60000), report(10, 40000)}
	if err := table(&out, jvm, []peer.Report{report(3, 200000), report(2, 250000), report(2.5, 100000)}); err != nil {
		t.Fatal(err)
	}
	want := `         median of 3 (range)     JVM                       Go                    Go is better by
               CPU us/record   15.00   (10.00..20.00)    2.50      (2.00..3.00)            6.00x
  CPU us/record, second half    7.50    (5.00..10.00)    1.25      (1.00..1.50)            6.00x
                   records/s   50000   (40000..60000)  200000  (100000..250000)            4.00x
      records/s, second half  100000  (80000..120000)  400000  (200000..500000)            4.00x
                peak RSS MiB     500       (500..500)     500        (500..500)            1.00x
                  startup ms    1000     (1000..1000)    1000      (1000..1000)            1.00x
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("%s\n%s", diff, out.String())
	}
}
