/** Everything that has to do with a lease goes by its length, so that one setting moves all: the figures are those of 9 s. */
export function toLeaseTimes(leaseSeconds: number) {
  return {
    /** 2 s: four may fail before the lease ends. */
    renewEveryMs: (leaseSeconds * 1000 * 2) / 9,
    /** 1 s. */
    reconcileEveryMs: (leaseSeconds * 1000) / 9,
    /** 4.5 s: after a longer time unseen a living worker may have been kept from renewing. */
    unseenMsMax: (leaseSeconds * 1000) / 2,
    /** 11 s. */
    graceMs: (leaseSeconds + 2) * 1000,
    /** 9 s: a worker claims at once what it was given, and one that has not by then is as dead as one that does not renew. */
    claimMsMax: leaseSeconds * 1000,
  }
}
