// Command coredns is CoreDNS with only the plugins the enclave uses: cluster names are answered,
// and there is no plugin that could forward a question to anywhere else.
package main

import (
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"

	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/health"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/metrics"
	_ "github.com/coredns/coredns/plugin/ready"
)

func main() {
	// The order is the order in which a request passes the plugins.
	dnsserver.Directives = []string{"health", "ready", "prometheus", "errors", "cache", "kubernetes"}
	coremain.Run()
}
