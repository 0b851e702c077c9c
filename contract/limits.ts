/** Maximum length of a password in bytes of UTF-8. bcrypt ignores the rest. */
export const longestPasswordBytes = 72

/**
 * Maximum difference of the clocks of servers in seconds, RFC 7519 section 4.1.4. A server accepts a token for this
 * time after it has expired, and the operator keeps the key that signed it for this time.
 */
export const leewaySeconds = 30
