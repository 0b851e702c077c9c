# Stands in for redis:8.0, with its user.
ARG BASE
FROM ${BASE}
RUN usermod --uid 999 redis && groupmod --gid 999 redis \
 && mkdir -p /data && chown 999:999 /data /var/lib/redis /var/log/redis
WORKDIR /data
USER 999:999
EXPOSE 6379
CMD ["redis-server", "--protected-mode", "no"]
