# Stands in for nginx:1.30, with its user.
ARG BASE
FROM ${BASE}
# The base has Redis as well, whose user holds that number.
RUN userdel redis \
 && groupadd --gid 101 nginx \
 && useradd --uid 101 --gid 101 --no-create-home --shell /usr/sbin/nologin nginx \
 && mkdir -p /var/cache/nginx && chown 101:101 /var/cache/nginx \
 && ln -sf /dev/stdout /var/log/nginx/access.log && ln -sf /dev/stderr /var/log/nginx/error.log
EXPOSE 80
STOPSIGNAL SIGQUIT
CMD ["nginx", "-g", "daemon off;"]
