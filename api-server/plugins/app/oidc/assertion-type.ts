/** The type of a JWT as client assertion. RFC 7523 section 2.2. */
export const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** Log line for a token of a ServiceAccount that authenticates no client. */
export const refusedToken = 'the token of a ServiceAccount was refused'
