# Stands in for mongo:8.0, with its user: mongod 6.0.5, the newest server that a package registry carries.
ARG BASE
FROM ${BASE}
COPY --chmod=755 mongod /usr/local/bin/
RUN groupadd --gid 999 mongodb && useradd --uid 999 --gid 999 --home-dir /data/db --shell /usr/sbin/nologin mongodb \
 && mkdir -p /data/db /data/configdb && chown -R 999:999 /data
VOLUME /data/db
EXPOSE 27017
CMD ["mongod", "--bind_ip_all"]
