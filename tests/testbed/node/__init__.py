"""A node of Kubernetes on this machine: kubelet, containerd, kube-proxy, pod network, DNS, in namespaces of its own."""
