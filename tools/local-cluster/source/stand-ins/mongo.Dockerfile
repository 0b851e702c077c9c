# Stands in for mongo:8.0, with its user: mongod 6.0.5, the newest server that a package registry carries, and one
# program that is mongodump or mongorestore by its name.
ARG BASE
FROM ${BASE}
COPY --chmod=755 mongod mongodump /usr/local/bin/
RUN ln -s mongodump /usr/local/bin/mongorestore \
 && groupadd --gid 999 mongodb && useradd --uid 999 --gid 999 --home-dir /data/db --shell /usr/sbin/nologin mongodb \
 && mkdir -p /data/db /data/configdb && chown -R 999:999 /data
VOLUME /data/db
EXPOSE 27017
CMD ["mongod", "--bind_ip_all"]
