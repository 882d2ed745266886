// Kubernetes' API server, its store and its controllers, as its own sources have them, in one program:
// for tests of the chart (`make test-helm-server`), where no cluster and no image can be had.
//
// Usage: kubernetes etcd|kube-apiserver|kube-controller-manager FLAGS
package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
)

func main() {
	commands := map[string]func() *cobra.Command{
		"kube-apiserver":          apiserver.NewAPIServerCommand,
		"kube-controller-manager": controllers.NewControllerManagerCommand,
	}
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "which program? etcd, kube-apiserver or kube-controller-manager")
		os.Exit(2)
	}
	program := os.Args[1]
	os.Args = os.Args[1:] // each reads its own flags there
	if program == "etcd" {
		etcdmain.Main(os.Args)
		return
	}
	command, known := commands[program]
	if !known {
		fmt.Fprintf(os.Stderr, "there is no program %q\n", program)
		os.Exit(2)
	}
	os.Exit(cli.Run(command()))
}
