"""The image: its Containerfile, and the steps in it as programs that run without a container engine too."""
