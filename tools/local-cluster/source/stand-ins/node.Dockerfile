# Stands in for node:24-bookworm-slim: Node and npm from the npm registry, on a minimal Debian.
ARG BASE
FROM ${BASE}
COPY --chmod=755 node /usr/local/bin/
COPY npm /usr/local/lib/node_modules/npm
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm \
 && ln -s ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx \
 && chmod 755 /usr/local/lib/node_modules/npm/bin/*-cli.js \
 && useradd --uid 1000 --user-group --create-home --shell /bin/bash node
# What this machine trusts and where it gets npm packages from, so that `npm ci` works in a build as it does here.
COPY ca-certificates.crt /etc/ssl/certs/
COPY npmrc /usr/local/etc/
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
CMD ["node"]
