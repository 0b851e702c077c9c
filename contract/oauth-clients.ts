/** The value of `OAUTH_CLIENTS`: one `id:hash`; several are separated by spaces, commas or new lines. */
export const clientListPattern = '^[\\w.-]{1,64}:[0-9a-f]{64}(?:[\\s,]+[\\w.-]{1,64}:[0-9a-f]{64})*$'
