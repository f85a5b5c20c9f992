"""The files under topurl: what tasks and builds put out. Large ones are made up while they are read."""

import threading

LINE = 64


class File:
    """A file of `size` bytes: numbered lines of filler, then `tail`."""

    def __init__(self, tail, size, changed):
        self.tail = tail
        self.size = max(size or 0, len(tail))
        self.changed = changed

    def read(self, offset, count):
        """Returns at most `count` bytes from `offset`; fewer only at the end."""
        end = min(self.size, offset + count)
        filler_end = self.size - len(self.tail)
        pieces = []
        if offset < min(end, filler_end):
            first, last = offset // LINE, (min(end, filler_end) - 1) // LINE
            filler = b"".join(_line(it) for it in range(first, last + 1))
            skip = offset - first * LINE
            pieces.append(filler[skip : skip + min(end, filler_end) - offset])
        if end > filler_end:
            pieces.append(self.tail[max(offset - filler_end, 0) : end - filler_end])
        return b"".join(pieces)


class Files:
    """All files, by path under topurl, and how many bytes of each were sent."""

    def __init__(self):
        self.by_path = {}
        self.sent = {}
        self.lock = threading.Lock()

    def put(self, path, content, size, changed):
        self.by_path[path] = File(content, size, changed)

    def of_task(self, task_id):
        """Returns the files of a task by name, subfolders and all."""
        folder = task_folder(task_id)
        return {path[len(folder) :]: file for path, file in self.by_path.items() if path.startswith(folder)}

    def count(self, path, sent):
        with self.lock:
            self.sent[path] = self.sent.get(path, 0) + sent


def task_folder(task_id):
    return "work/tasks/%d/%d/" % (task_id % 10000, task_id)


def ranges(header, size):
    """Returns (first, end) of a Range header; None if all is to be sent, and an empty range if it cannot be had."""
    unit, _, spec = header.partition("=")
    first, dash, last = spec.strip().partition("-")
    if unit.strip() != "bytes" or not dash or "," in spec:
        return None
    if not (first.isdigit() or first == "") or not (last.isdigit() or last == ""):
        return None
    if first == "":
        if last == "":
            return None
        return (max(size - int(last), 0), size) if int(last) > 0 and size > 0 else (0, 0)
    if int(first) >= size:
        return (0, 0)
    if last == "":
        return (int(first), size)
    if int(last) < int(first):
        return None
    return (int(first), min(int(last) + 1, size))


def _line(number):
    return b"%-63s\n" % (b"line %d of what nobody needs to read" % number)
