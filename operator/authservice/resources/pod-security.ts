/** Users that the images run as. */
export const users = { server: 65_532, redis: 999, mongodb: 999, nginx: 101 } as const

/**
 * Settings that a pod and its containers need to pass the Pod Security level `restricted`.
 * @see https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
 */
export function podSecurity(user: number) {
  return {
    runAsNonRoot: true,
    runAsUser: user,
    runAsGroup: user,
    fsGroup: user,
    // Otherwise, the kubelet changes the owner of every file of a volume at each start.
    fsGroupChangePolicy: 'OnRootMismatch',
    seccompProfile: { type: 'RuntimeDefault' },
  }
}

export const containerSecurity = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
}

/** None of these pods uses the API server or needs the address of every Service in its environment. */
export const podDefaults = { automountServiceAccountToken: false, enableServiceLinks: false }
