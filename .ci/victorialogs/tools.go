//go:build tools

// Package victorialogs pins the log store that the end-to-end tests push to and read back from.
// `.ci/servers.sh` builds it once into a cache outside the repository. It is Apache-2.0 and never
// part of Tamis: only its push and query protocols are used.
package victorialogs

import _ "github.com/VictoriaMetrics/VictoriaLogs/app/victoria-logs"
