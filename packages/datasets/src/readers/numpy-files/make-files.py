"""Makes the files beside it with NumPy; run once, kept so that the tests need no Python."""
import numpy as np

np.save('fortran-big-endian.npy', np.asfortranarray(np.array([[1, -2, 0], [3, 4, 1], [5, 2**31 - 1, 0]], dtype='>i4')))
np.save('floats.npy', np.array([[0.1, -0.0, 0], [np.nan, 1e-45, 1], [3.4e38, 2.5, 0]], dtype='f4'))
np.savez('stored.npz', x=np.arange(8, dtype='u1').reshape(4, 2), seen=np.array([True, False, True, True]),
         y=np.array(['a', '', 'é𝒜', 'a']))
np.savez_compressed('deflated.npz', x=np.arange(8, dtype='f2').reshape(4, 2), y=np.array([1, 2, 1, 2], dtype='i8'))
np.save('records.npy', np.zeros(3, dtype=[('a', 'i4'), ('b', 'f8')]))
np.save('infinite.npy', np.array([[1.0, 0], [-np.inf, 1]]))
