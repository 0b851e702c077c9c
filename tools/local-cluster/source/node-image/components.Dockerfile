# The images that kubeadm asks for, one target each. The build context is the folder of the built programs.
ARG NODE_SYSTEM
FROM scratch AS kube-apiserver
COPY kube-apiserver /usr/local/bin/

FROM scratch AS kube-controller-manager
COPY kube-controller-manager /usr/local/bin/

FROM scratch AS kube-scheduler
COPY kube-scheduler /usr/local/bin/

# Calls iptables and conntrack.
FROM ${NODE_SYSTEM} AS kube-proxy
COPY kube-proxy /usr/local/bin/

FROM scratch AS etcd
COPY etcd /usr/local/bin/

FROM scratch AS coredns
COPY coredns /
ENTRYPOINT ["/coredns"]

FROM scratch AS pause
COPY pause /
ENTRYPOINT ["/pause"]

FROM scratch AS metrics-server
COPY metrics-server /
ENTRYPOINT ["/metrics-server"]

FROM scratch AS local-path-provisioner
COPY local-path-provisioner /usr/bin/
