/**
 * Every Service has an address of each IP family of the cluster. In a single-stack cluster, it has one address.
 * @see https://kubernetes.io/docs/concepts/services-networking/dual-stack/
 */
export const everyFamily = { ipFamilyPolicy: 'PreferDualStack' }
