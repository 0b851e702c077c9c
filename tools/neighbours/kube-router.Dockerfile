# kube-router and the programs that it runs.
ARG BASE
FROM ${BASE}
COPY --chmod=755 kube-router /usr/local/bin/
