"""Answers questions about a log with software that is not ours: tlog-scales, and sigstore for inclusion once more.

Nothing is worked out here: each question is handed to the packages, and their answer is handed back. A question is a line
of JSON on standard input, its answer one on standard output. Bytes are hexadecimal. Whatever a package turns down is
answered with `refused` and its words.
"""

import json
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

from sigstore._internal.merkle import verify_merkle_inclusion
from tlog_scales.signing import Vkey
from tlog_scales.tiles import leaf_hash
from tlog_scales.tlog import Checkpoint, ConsistencyProof, InclusionProof
from tlog_scales.writer import TilesWriter


def octets(words):
    return [bytes.fromhex(word) for word in words]


def read_note(note, key):
    """Size and root of a checkpoint that the key has signed.

    tlog-scales reads more than one spelling of a note and checks the signature over what it has read. So what it read
    must be, written again, what came.
    """
    text = bytes.fromhex(note).decode()
    checkpoint = Checkpoint.from_text(text)
    if checkpoint.serialize() != text:
        raise ValueError('the note is not spelled as notes are')
    checkpoint.verify(Vkey.from_string(key))
    return {'size': checkpoint.size, 'root': checkpoint.root_hash.hex()}


def proofs(headers, inclusions, consistencies):
    """Builds the log of these headers anew: its root, and the proofs that tlog-scales makes of it itself."""
    with tempfile.TemporaryDirectory() as folder:
        log = TilesWriter.create(Path(folder) / 'log', 'independent.invalid/log')
        for header in octets(headers):
            log.add_leaf(header)
        log.commit([])
        root = log.reader.calculate_root_hash()
        included = [log.reader.get_inclusion_proof(*one) for one in inclusions]
        grown = [log.reader.get_consistency_proof(*one) for one in consistencies]
    return {'root': root.hex(), 'inclusions': paths(included), 'consistencies': paths(grown)}


def paths(proofs):
    return [[node.hex() for node in proof.node_hashes] for proof in proofs]


def inclusion_by_tlog_scales(header, index, size, root, path):
    InclusionProof(index, size, octets(path)).check(leaf_hash(bytes.fromhex(header)), bytes.fromhex(root))
    return {}


def inclusion_by_sigstore(header, index, size, root, path):
    proof = SimpleNamespace(log_index=index, tree_size=size, hashes=octets(path), root_hash=bytes.fromhex(root))
    verify_merkle_inclusion(
        SimpleNamespace(_inner=SimpleNamespace(inclusion_proof=proof, canonicalized_body=bytes.fromhex(header)))
    )
    return {}


def consistency(old_size, old_root, size, root, path):
    ConsistencyProof(old_size, size, octets(path)).check(bytes.fromhex(old_root), bytes.fromhex(root))
    return {}


QUESTIONS = {
    one.__name__: one
    for one in [read_note, proofs, inclusion_by_tlog_scales, inclusion_by_sigstore, consistency]
}


def answer(question):
    name = question.pop('ask')
    try:
        return QUESTIONS[name](**question)
    except Exception as why:
        return {'refused': f'{type(why).__name__}: {why}'}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
