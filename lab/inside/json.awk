# Prints every string, number and word of a JSON text as path=value: {"links": [{"id": "a"}]} gives links.0.id=a.
# \uXXXX stays as it is written; a text that ends early prints what came before.

{ text = text $0 "\n" }

END { value("") }

# take PATTERN: what the rest of the text begins with, taken off it
function take(pattern,    taken) {
    if (!match(text, pattern)) return ""
    taken = substr(text, 1, RLENGTH)
    text = substr(text, RLENGTH + 1)
    return taken
}

# must PATTERN: the same; where it is not there the rest makes no sense, and is dropped
function must(pattern,    taken) {
    taken = take(pattern)
    if (taken == "") text = ""
    return taken
}

function string(    raw) {
    raw = must("^\"([^\"\\\\]|\\\\.)*\"")
    raw = substr(raw, 2, length(raw) - 2)
    gsub(/\\\//, "/", raw)
    gsub(/\\"/, "\"", raw)
    gsub(/\\\\/, "\\", raw)
    return raw
}

function value(path,    opened, item, count) {
    take("^[ \t\r\n]+")
    opened = take("^[[{]")
    if (opened == "") {
        print path "=" (substr(text, 1, 1) == "\"" ? string() : must("^[-+.a-zA-Z0-9]+"))
        return
    }
    path = path (path == "" ? "" : ".")
    for (count = 0; text != ""; count++) {
        take("^[ \t\r\n,]+")
        if (take("^[]}]") != "") return
        item = count
        if (opened == "{") {
            item = string()
            must("^[ \t\r\n]*:")
        }
        value(path item)
    }
}
