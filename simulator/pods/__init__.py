"""Diego's processes as those of real pods: what runs in the containers where a real kubelet starts them."""
