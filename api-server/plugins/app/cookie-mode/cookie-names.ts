/** `__Host-`: set only by this host, only over TLS, for all paths. RFC 6265bis section 4.1.3.2. */
export const refreshCookie = '__Host-refresh'
export const csrfCookie = '__Host-csrf'
