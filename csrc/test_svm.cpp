// Support vector machines of all shapes, for the sanitizers to watch: sides are those of the
// decisions, training ends with what it promises, and calls end when asked to.
#include <cmath>
#include <cstdio>
#include <new>
#include <random>
#include <vector>

#include "svm.hpp"

namespace {

using std::size_t;
int failures = 0;

void expect(bool holds, const char* what, size_t n, size_t f) {
  if (holds) return;
  std::printf("%s: n = %zu, f = %zu\n", what, n, f);
  ++failures;
}

void check(lamoo::SvmKernel::Kind kind, size_t n, size_t f, std::mt19937& bits) {
  const bool grid = n % 2 == 0;
  const auto number = [&] {
    return grid ? static_cast<double>(bits() % 3) : std::normal_distribution<double>()(bits);
  };
  std::vector<double> X(n * f), Z((n + 300) * f), scale(f, 0.7), dual(n), mean(f, 0.2);
  for (double& x : X) x = number();
  for (double& z : Z) z = number();
  std::vector<std::uint8_t> good(n);
  for (size_t i = 0; i < n; ++i) good[i] = i == 0 || bits() % 2 != 0;
  good[n - 1] = 0;
  const lamoo::Run run;
  const double C = 3.0;
  const lamoo::SvmKernel kernel{kind, 0.3, 3};
  double intercept;
  lamoo::svm_train(kernel, C, 1e-3, X.data(), n, f, good.data(), run, dual.data(), &intercept);
  double sum = 0.0;
  for (size_t i = 0; i < n; ++i) {
    sum += dual[i];
    expect(good[i] != 0 ? dual[i] >= 0 && dual[i] <= C : dual[i] <= 0 && dual[i] >= -C, "bounds",
           n, f);
  }
  expect(std::abs(sum) < 1e-9, "sum of duals", n, f);

  const lamoo::Svm svm(kernel, mean.data(), scale.data(), X.data(), dual.data(), n, f, intercept);
  const size_t count = n + 300;
  std::vector<double> decisions(count);
  std::vector<std::uint8_t> inside(count, 2);
  lamoo::svm_decisions(svm, Z.data(), count, run, decisions.data());
  for (const bool above : {true, false}) {
    lamoo::svm_inside({{&svm, above}, {&svm, above}}, 1e-9, Z.data(), count, run, inside.data());
    for (size_t i = 0; i < count; ++i)
      expect((inside[i] != 0) == ((decisions[i] > 1e-9) == above), "side", n, f);
  }
}

int stop(void*) { return 1; }

}  // namespace

int main() {
  std::mt19937 bits(1);
  using Kind = lamoo::SvmKernel::Kind;
  for (const Kind kind : {Kind::linear, Kind::poly, Kind::rbf})
    for (const size_t f : {1, 2, 3, 7, 31})
      for (const size_t n : {2, 3, 8, 17, 33, 64, 131, 400}) check(kind, n, f, bits);

  const lamoo_run asked = {1, stop, nullptr};
  std::vector<double> Z(2000000, 0.5), one(1, 1.0);
  const lamoo::Svm svm({Kind::rbf, 1.0, 1}, one.data(), one.data(), one.data(), one.data(), 1, 1,
                       0.0);
  try {
    for (int i = 0; i < 100; ++i)
      lamoo::svm_decisions(svm, Z.data(), Z.size(), lamoo::Run(&asked), Z.data());
    expect(false, "not interrupted", Z.size(), 1);
  } catch (const lamoo::Interrupted&) {
  }
  if (failures == 0) std::printf("ok\n");
  return failures != 0;
}
