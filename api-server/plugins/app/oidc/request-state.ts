/** What one request of the library carries from one of its calls to another. */
export interface RequestState {
  /** Address of the caller, as far as trusted proxies tell it. */
  address: string
  userAgent: string | undefined
  /** The refresh token that the request gets, because a rotation is one write that makes it. */
  successor?: string
}
