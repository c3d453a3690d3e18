// crfsuite_side TRAIN TEST MODEL NAME=VALUE…: CRFsuite on files of "tag TAB feature TAB feature …" lines, an empty line between sentences. Prints the
// tag of every line of TEST, then on stderr the seconds of training. Built by kinds.py from the sources in the npm package crfsuite.
#include "crfsuite.hpp"

#include <chrono>
#include <fstream>
#include <iostream>
#include <sstream>

class Quiet : public CRFSuite::Trainer {
public:
    void message(const std::string &) override {}
};

static bool next_sentence(std::istream &in, CRFSuite::ItemSequence &x, CRFSuite::StringList &y)
{
    x.clear();
    y.clear();
    for (std::string line; std::getline(in, line);) {
        if (line.empty()) {
            if (x.empty())
                continue;
            return true;
        }
        std::istringstream cells(line);
        std::string cell;
        std::getline(cells, cell, '\t');
        y.push_back(cell);
        CRFSuite::Item item;
        while (std::getline(cells, cell, '\t'))
            item.push_back(CRFSuite::Attribute(cell));
        x.push_back(item);
    }
    return !x.empty();
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    Quiet trainer;
    CRFSuite::ItemSequence x;
    CRFSuite::StringList y;
    std::ifstream train(argv[1]), test(argv[2]);
    while (next_sentence(train, x, y))
        trainer.append(x, y, 0);
    trainer.select("lbfgs", "crf1d");
    for (int i = 4; i < argc; i++) {
        std::string s = argv[i];
        trainer.set(s.substr(0, s.find('=')), s.substr(s.find('=') + 1));
    }
    auto begun = std::chrono::steady_clock::now();
    trainer.train(argv[3], -1);
    std::cerr << std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count() << "\n";
    CRFSuite::Tagger tagger;
    tagger.open(argv[3]);
    while (next_sentence(test, x, y)) {
        for (auto &tag : tagger.tag(x))
            std::cout << tag << "\n";
        std::cout << "\n";
    }
}
