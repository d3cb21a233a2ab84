// SPDX-License-Identifier: MIT
// A UDP echo as Go programs have it. It prints its port.
package main

import (
	"fmt"
	"net"
)

func main() {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		panic(err)
	}
	fmt.Println(conn.LocalAddr().(*net.UDPAddr).Port)
	data := make([]byte, 65535)
	for {
		n, peer, err := conn.ReadFromUDPAddrPort(data)
		if err == nil {
			conn.WriteToUDPAddrPort(data[:n], peer)
		}
	}
}
