"""Makes the files beside it with NumPy; run once, kept so that the tests need no Python."""
import base64
import gzip
import io
import json
import random

import numpy as np

np.save('fortran-big-endian.npy', np.asfortranarray(np.array([[1, -2, 0], [3, 4, 1], [5, 2**31 - 1, 0]], dtype='>i4')))
np.save('floats.npy', np.array([[0.1, -0.0, 0], [np.nan, 1e-45, 1], [3.4e38, 2.5, 0]], dtype='f4'))
np.savez('stored.npz', x=np.arange(8, dtype='u1').reshape(4, 2), seen=np.array([True, False, True, True]),
         y=np.array(['a', '', 'é𝒜', 'a']))
np.savez_compressed('deflated.npz', x=np.arange(8, dtype='f2').reshape(4, 2), y=np.array([1, 2, 1, 2], dtype='i8'))
np.save('records.npy', np.zeros(3, dtype=[('a', 'i4'), ('b', 'f8')]))
np.save('infinite.npy', np.array([[1.0, 0], [-np.inf, 1]]))


# Two hundred tables as `numpy.savez` writes them, each beside its cells: one JSON object a line, the archive in Base64.
NUMBERS = [0.0, -0.0, 5e-324, -5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, -1.7976931348623157e308,
           0.1, 1 / 3, 2.0**53, 1e22, 1e23, 123456789.125]
TEXTS = ['', ' ', ' a ', '\t', 'a,b', ';', '"', '""', 'a "b" c', 'a\nb', '\r\n', "it's", 'é', '日本', '𝒜', 'NA', 'null',
         'nan', '1.5', 'true', '\\N', '=1+1', 'e\u0301']
NAMES = ['a', 'A', 'block', 'c0', 'f1', 'file_row_number', 'select', '"', "'", 'größe', '温度', 'a b', 'a,b', '__proto__',
         'constructor', '𝒜', '%', '..']
draw = random.Random(20261127)


def column(kind, rows):
    """An array of the kind and its cells as JSON has them."""
    if kind == 'text':
        cells = [draw.choice(TEXTS) for _ in range(rows)]
        return np.array(cells), cells
    if kind == 'boolean':
        cells = [draw.random() < 0.5 for _ in range(rows)]
        return np.array(cells), cells
    if kind in ('i1', 'u2', '<i4', '>i8'):
        bits = {'i1': 7, 'u2': 16, '<i4': 31, '>i8': 53}[kind]
        cells = [draw.choice([0, 1, 2**bits - 1, draw.randrange(2**bits)]) for _ in range(rows)]
        return np.array(cells, dtype=kind), cells
    with np.errstate(over='ignore'):
        values = np.array([draw.choice([*NUMBERS, draw.uniform(-1e3, 1e3)]) for _ in range(rows)], dtype=kind)
    values[~np.isfinite(values)] = -65504
    if rows > 1 and draw.random() < 0.5:
        values[draw.randrange(1, rows)] = np.nan
    return values, [None if np.isnan(value) else float(value) for value in values]


with open('generated.ndjson.gz', 'wb') as file, gzip.GzipFile('', 'wb', 9, file, 0) as packed:
    for _ in range(200):
        rows = draw.randrange(2, 9)
        arrays, names, columns = {}, [], []
        for name in draw.sample(NAMES, draw.randrange(1, 5)):
            kind = draw.choice(['text', 'boolean', 'i1', 'u2', '<i4', '>i8', '<f8', '>f8', 'f4', 'f2', 'matrix'])
            if kind == 'matrix':
                pair = [column('<f8', rows) for _ in range(2)]
                matrix = np.stack([values for values, _ in pair], axis=1)
                arrays[name] = np.asfortranarray(matrix) if draw.random() < 0.5 else matrix
                names += [f'{name}_1', f'{name}_2']
                columns += [cells for _, cells in pair]
            else:
                arrays[name], cells = column(kind, rows)
                names.append(name)
                columns.append(cells)
        arrays['target'] = np.arange(rows) % 2
        names.append('target')
        columns.append([row % 2 for row in range(rows)])
        archive = io.BytesIO()
        (np.savez_compressed if draw.random() < 0.2 else np.savez)(archive, **arrays)
        table = {'names': names, 'rows': list(zip(*columns)), 'npz': base64.b64encode(archive.getvalue()).decode()}
        packed.write((json.dumps(table, ensure_ascii=False) + '\n').encode())
