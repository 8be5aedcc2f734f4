// Copyright (c) 2026, The controlplane.etcd authors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Writes the pods of pods.json as kubeadm and kubectl write them, with the library that both use:
//
//	go mod init pods && go get sigs.k8s.io/yaml@v1.4.0 && go run write.go < pods.json > go-yaml.documents
//
// Versions 1.2.0 (kubeadm 1.20) and 1.6.0 (kubeadm 1.35) write the same bytes.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"sigs.k8s.io/yaml"
)

func main() {
	var pods []interface{}
	if err := json.NewDecoder(os.Stdin).Decode(&pods); err != nil {
		panic(err)
	}
	for _, pod := range pods {
		text, err := yaml.Marshal(pod)
		if err != nil {
			panic(err)
		}
		fmt.Printf("---\n%s", text)
	}
}
